"""The webhook: reviews of pods and workloads answered, none ever refused."""
