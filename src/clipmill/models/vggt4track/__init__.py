"""VGGT4Track: camera poses of all frames of a clip in one pass.

Written from the papers (Wang et al., "VGGT: Visual geometry grounded transformer", CVPR 2025;
Xiao et al., "SpatialTrackerV2", ICCV 2025), with the parameter names of the published checkpoint.
"""
