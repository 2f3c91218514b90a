"""Looking at a workspace: scores, funnel, histograms, one clip's data, previews.

Used by the report and by whatever else shows clips; nothing here draws a page.
"""
