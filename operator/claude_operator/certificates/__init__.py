"""The webhook's certificates: made, judged and renewed without a moment in which no side trusts the other."""
