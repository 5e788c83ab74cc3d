package schema

import (
	"encoding/json"
	"errors"
	"fmt"
)

// stored is a schema at rest: the files as they were pushed, and the numbers given out.
type stored struct {
	Files []storedFile `json:"files"`
	IDs   IDs          `json:"ids"`
}

type storedFile struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Marshal returns s for storing. Version is not in it: it is the commit time of what is stored.
func (s *Schema) Marshal() ([]byte, error) {
	out := stored{IDs: s.ids, Files: make([]storedFile, len(s.Files))}
	for i, f := range s.Files {
		out.Files[i] = storedFile(f)
	}
	return json.Marshal(out)
}

// Unmarshal reads what Marshal wrote. The caller sets Version.
func Unmarshal(data []byte) (*Schema, error) {
	var in stored
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("reading the stored schema: %w", err)
	}
	files := make([]File, len(in.Files))
	for i, f := range in.Files {
		files[i] = File(f)
	}
	s, problems := Load(files, &Schema{ids: in.IDs})
	if len(problems) > 0 {
		return nil, fmt.Errorf("reading the stored schema: %s", RenderProblems(problems))
	}
	if s.ids.NextIndex != in.IDs.NextIndex || s.ids.NextColl != in.IDs.NextColl {
		// Its data would be looked for under a new number, and not found.
		return nil, errors.New("reading the stored schema: a definition has another meaning than when it was stored")
	}
	return s, nil
}

// Issued returns the numbers that were given out so far. What is below the next ones and
// belongs to nothing was dropped.
func (s *Schema) Issued() IDs { return s.ids }
