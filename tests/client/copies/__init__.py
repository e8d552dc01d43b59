"""The copy in its file, page by page."""
