package spec

// ReservedKeys names what the top level cannot set.
func (Manifest) ReservedKeys() map[string]string {
	return map[string]string{"transform": "belongs into a rule of files"}
}

// ReservedKeys names what one of several images cannot set.
func (ImageEntry) ReservedKeys() map[string]string {
	return map[string]string{
		"version": "stands at the top of the manifest only",
		"board":   "stands at the top of the manifest only: all its images are for one board",
		"root":    "stands at the top of the manifest only: all its images have one root",
		"images":  "stands at the top of the manifest only; to pack an image into this one, write a rule with image",
	}
}

// JSONSchemaExtra says which keys go together.
func (Manifest) JSONSchemaExtra() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"required": []any{"files"}, "properties": map[string]any{"images": false}},
		map[string]any{"required": []any{"images"}, "properties": map[string]any{"files": false, "partition": false, "output": false}},
	}}
}

// JSONSchemaExtra says which keys each of several images has to have.
func (ImageEntry) JSONSchemaExtra() map[string]any {
	return map[string]any{"required": []any{"partition", "files"}}
}

// JSONSchemaExtra says which keys go together.
func (Rule) JSONSchemaExtra() map[string]any {
	kind := func(required []any, forbidden ...string) map[string]any {
		props := map[string]any{}
		for _, key := range forbidden {
			props[key] = false
		}
		return map[string]any{"required": required, "properties": props}
	}
	both := map[string]any{"required": []any{"transform", "mpy"}}
	return map[string]any{"not": both, "oneOf": []any{
		kind([]any{"src"}, "image", "mkdir"),
		kind([]any{"image", "dest"}, "src", "mkdir", "strip", "exclude", "mpy", "transform", "optional"),
		kind([]any{"mkdir"}, "src", "image", "dest", "strip", "exclude", "mpy", "transform", "align", "bulk", "optional"),
	}}
}
