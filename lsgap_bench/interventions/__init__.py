"""Interventions: one small file per plug-in; the arithmetic is in `functional`, the edit of a layer's states in `patching`."""
