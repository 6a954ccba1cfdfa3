"""Where the bundled program begins."""

import sys

from moderator_app.__main__ import main

sys.exit(main())
