"""Files on disk turned into a policy in force."""
