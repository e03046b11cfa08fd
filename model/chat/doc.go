// Package chat renders conversations in the form a model was trained on.
package chat
