"""Everything on the screen: the only package, besides app, that imports Qt."""

import ctypes
import sys

if sys.version_info < (3, 12):
    # PySide6 6.12 is built against headers in which None is immortal (PEP 683): each call of a Qt method
    # without a result drops one reference to None that it never took. Before Python 3.12 that ends the
    # process after some thousand calls ("none_dealloc"), so we give None more references than any session
    # can drop. The count is the first word of an object in CPython.
    for _object in (None, NotImplemented, True, False):
        ctypes.c_ssize_t.from_address(id(_object)).value += 1 << 40
