"""Whether what a sidecar tells of tokens and money is what the API served, to the last digit."""
