"""Files and frames in, events out, in bounded memory. Knows formats and column names; no log, no user, no item row."""

from swerve.readers.detect import detect, read_frame
from swerve.readers.parts import ReadOptions
from swerve.readers.source import Chunk, Part, Source, from_events

__all__ = ["Chunk", "Part", "ReadOptions", "Source", "detect", "from_events", "read_frame"]
