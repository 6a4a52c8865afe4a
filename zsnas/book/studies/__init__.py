"""Studies: what the pages compute beyond the correlations of a benchmark."""
