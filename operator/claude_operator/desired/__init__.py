"""What ought to be in the cluster, decided from what is there: pure, and the same whatever came first."""
