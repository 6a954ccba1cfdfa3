"""Everything on the screen: the only package, besides app, that imports Qt."""
