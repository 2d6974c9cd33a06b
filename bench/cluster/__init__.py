"""Times and memory on a whole cluster, with running pods: `python -m bench.cluster`."""
