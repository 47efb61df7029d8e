"""Model adapters, one file each. An adapter states only what is peculiar to its model; what the modalities share exists once."""
