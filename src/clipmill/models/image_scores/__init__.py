"""Networks of the published image scores: CRAFT, CLIP-IQA+ and NIMA."""
