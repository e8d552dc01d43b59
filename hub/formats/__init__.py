"""How days and times are written, for each language (roof; see FORMAT_MODULE_PATH in the settings)."""
