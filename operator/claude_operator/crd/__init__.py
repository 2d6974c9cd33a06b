"""The ClaudePolicy of a cluster: its CustomResourceDefinition, and the judging of what passed it."""
