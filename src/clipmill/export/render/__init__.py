"""Files made of one sample: drawn videos, pictures of objects, poses, points."""
