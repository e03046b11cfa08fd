// Package plot draws pictures of measurements as SVG: a document, and panels
// whose axes begin at zero. What is drawn between the axes is the caller's, or a Chart of
// lines or a Stack of bars; Grid puts several beside one another.
//
// Coordinates are pixels from the upper left corner, with one digit after the
// point, so that the same values give the same bytes.
//
// Concurrency: nothing here is shared.
package plot
