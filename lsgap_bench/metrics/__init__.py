"""Metrics: one small file per plug-in; the arithmetic is in `functional`, what a plug-in receives in `layer_pair`."""
