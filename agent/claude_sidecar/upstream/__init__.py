"""The one seam to the network: a request goes out, an answer comes back."""
