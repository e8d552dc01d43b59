"""Which frames a video has (floor 3)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from sharing.signals.indicators import Indicator


class VideoFrame(models.Model):
    """One usable frame of a video. Both are indicators, so that frames are found near like any hash, and a frame that
    many videos show is stored once."""

    video = models.ForeignKey(Indicator, on_delete=models.CASCADE, related_name="frame_links", db_index=False)
    frame = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="video_links", db_index=False)
    second = models.FloatField(_("second"), help_text=_("Of the video that was submitted first with these frames."))

    class Meta:
        verbose_name = _("frame of a video")
        verbose_name_plural = _("frames of videos")
        constraints = [
            # Also the look-up of a video's frames.
            models.UniqueConstraint(fields=["video", "frame"], name="video_frame_once"),
        ]
        indexes = [
            # The newest videos that show a frame.
            models.Index(fields=["frame", "-video"], name="video_frame_holders"),
        ]

    def __str__(self) -> str:
        return f"{self.video_id} {self.frame_id}"
