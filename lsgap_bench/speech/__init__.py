"""Speech in and out: reading clips, and the text-to-speech engines that make them."""
