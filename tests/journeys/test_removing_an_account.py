"""Removing an account: the sign-in ends there too, and where that cannot be told, a person is told so."""

from pathlib import Path

import pytest

from connectors.demo import DemoConnector, Fault
from connectors.errors import SignInAgain
from moderator_app.desk import accounts
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace


@pytest.mark.parametrize("reachable", [True, False])
def test_the_sign_in_ends_there_or_it_is_said_that_nobody_could_be_told(
    tmp_path: Path, no_keyring: None, reachable: bool
) -> None:
    values = {"community": "harbour", "seed": str(9100 + reachable), "hostile": "0"}
    with Workspace.open(Profile.at(tmp_path / "profile"), "four quiet words") as workspace:
        account = workspace.connect("demo", values)
        (one,) = workspace.desk.ask(accounts.sign_ins)
        server = DemoConnector(values, {}).server
        token = server.sign_in()
        if not reachable:
            server.fail_next(Fault.OFFLINE)
        assert workspace.disconnect(account) is reachable
        assert workspace.desk.ask(accounts.sign_ins) == []
        assert workspace.syncs() == {}
        after = DemoConnector(values, {"token": token})
        if reachable:
            with pytest.raises(SignInAgain):
                after.probe()
        else:
            after.probe()
        assert one.account_id == account
