// Package chart draws line charts with logarithmic axes as SVG, for documents and web
// pages. It knows nothing of what they show.
//
// A [Figure] is a grid of panels. Panels of one row share the scale of their y axis, those
// of one column that of their x axis, so that they can be compared by looking. Each line
// has its name at its right end, in its colour; a marker's shape tells lines apart without
// colours. Each point has a title, which browsers show as the mouse comes near.
//
// For scripts of a page, elements have these attributes: g.panel data-panel, its number;
// g.line data-name; path.marker data-x, the tick at which it stands, and data-tip. rect.plot
// is the ground between the axes.
package chart
