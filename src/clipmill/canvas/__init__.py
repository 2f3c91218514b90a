"""Pictures of samples: where source pixels land in them, and tracks drawn on them."""
