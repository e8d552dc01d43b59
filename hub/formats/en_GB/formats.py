"""English: the clock of 24 hours, with its zone. What an administrator reads is compared with logs and other zones."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i T"
