"""Work that must happen, as rows (ground). The broker only carries their numbers and may lose every one."""
