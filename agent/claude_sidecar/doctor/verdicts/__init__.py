"""Pure: from what was observed to what it means and what to do."""
