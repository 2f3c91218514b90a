"""Computer vision that several annotations share: masks, dense flow, k-means."""
