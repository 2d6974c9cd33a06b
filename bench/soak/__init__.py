"""Many pods for minutes, with faults: `python -m bench.soak`."""
