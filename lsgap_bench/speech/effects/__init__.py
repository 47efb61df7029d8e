"""Effects on a clip's waveform, one file each: what a variant of `speech` is made of."""
