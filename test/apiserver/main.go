// Judges custom resources by the API server's own code, without an API server.
//
// Standard input: {"crds": [CustomResourceDefinition], "resources": [{"object": …, "old": …, "subresource": "status"}]}.
// Standard output: {"crds": [{"name", "errors", "warnings"}], "resources": [{"accepted", "errors", "object"}]}.
// A resource is decoded, pruned and defaulted like the body of a request with fieldValidation=Strict, then created; with
// "old" it is an update of that one, with "subresource" an update of its status.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

type input struct {
	CRDs      []json.RawMessage `json:"crds"`
	Resources []request         `json:"resources"`
}

type request struct {
	Object      json.RawMessage `json:"object"`
	Old         json.RawMessage `json:"old,omitempty"`
	Subresource string          `json:"subresource,omitempty"`
}

type output struct {
	CRDs      []definitionVerdict `json:"crds"`
	Resources []verdict           `json:"resources"`
}

type definitionVerdict struct {
	Name     string   `json:"name"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

type verdict struct {
	Accepted bool     `json:"accepted"`
	Errors   []string `json:"errors"`
	// As it would be stored and read back; absent where the object is refused.
	Object map[string]any `json:"object,omitempty"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var in input
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	out := output{CRDs: []definitionVerdict{}, Resources: []verdict{}}
	kinds := map[string]*kind{}
	for _, raw := range in.CRDs {
		judged, served, err := define(ctx, raw)
		if err != nil {
			return err
		}
		out.CRDs = append(out.CRDs, judged)
		if served != nil {
			kinds[served.gvk.Kind] = served
		}
	}
	for _, asked := range in.Resources {
		judged, err := judge(ctx, kinds, asked)
		if err != nil {
			return err
		}
		out.Resources = append(out.Resources, judged)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
