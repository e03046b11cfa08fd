// Package browsertest drives pages in Chromium, in tests.
//
// What it owns: the browser, one for the tests of a binary; the tabs, which report
// what their pages report; axe-core, which finds what is not accessible.
//
// Concurrency: a Tab belongs to one test.
//
// References: Chrome DevTools Protocol; WCAG 2.2, whose rules axe-core checks.
package browsertest
