"""The process that keeps the cluster as policies want it: watches, asks sidecars, writes, and little else."""
