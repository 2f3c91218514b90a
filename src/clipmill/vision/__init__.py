"""Computer vision that several annotations share: arrays, masks, dense flow, K-means."""
