"""Pure: what users write, and what is made of it: the ClaudePolicy, its snapshot and its hash."""
