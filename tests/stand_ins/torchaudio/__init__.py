"""The one transform of torchaudio that a processor of these tests needs, for machines without a build of it for the processor alone."""

from . import transforms as transforms
