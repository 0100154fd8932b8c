package main

import (
	"context"
	"encoding/json"
	"fmt"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	schemaobjectmeta "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// judge creates or updates one resource as the server does.
func judge(ctx context.Context, kinds map[string]*kind, asked request) (verdict, error) {
	judged := verdict{Errors: []string{}}
	object, unknown, err := decode(kinds, asked.Object)
	if err != nil {
		// What cannot even be decoded is refused too.
		judged.Errors = append(judged.Errors, err.Error())
		return judged, nil
	}
	judged.Errors = append(judged.Errors, unknown...)
	served := kinds[object.GetKind()]
	var faults field.ErrorList
	switch {
	case asked.Old == nil && asked.Subresource == "":
		served.strategy.PrepareForCreate(ctx, object)
		faults = served.strategy.Validate(ctx, object)
	default:
		old, _, err := decode(kinds, asked.Old)
		if err != nil {
			return judged, fmt.Errorf("old: %w", err)
		}
		if asked.Subresource == "status" {
			served.status.PrepareForUpdate(ctx, object, old)
			faults = served.status.ValidateUpdate(ctx, object, old)
		} else {
			served.strategy.PrepareForUpdate(ctx, object, old)
			faults = served.strategy.ValidateUpdate(ctx, object, old)
		}
	}
	for _, fault := range faults {
		judged.Errors = append(judged.Errors, fault.Error())
	}
	judged.Accepted = len(judged.Errors) == 0
	if judged.Accepted {
		// What is read from the store is defaulted again: the status, which no creation may bring, too.
		defaulting.Default(object.Object, served.structural)
		judged.Object = object.Object
	}
	return judged, nil
}

// decode reads the body of a request: numbers as Kubernetes reads them, duplicate and unknown fields told, the rest
// pruned and defaulted. The faults of strict field validation are returned beside the object.
func decode(kinds map[string]*kind, raw json.RawMessage) (*unstructured.Unstructured, []string, error) {
	content := map[string]any{}
	duplicates, err := kjson.UnmarshalStrict(raw, &content)
	if err != nil {
		return nil, nil, err
	}
	var unknown []string
	for _, fault := range duplicates {
		unknown = append(unknown, "strict decoding error: "+fault.Error())
	}
	object := &unstructured.Unstructured{Object: content}
	served, ok := kinds[object.GetKind()]
	if !ok || object.GroupVersionKind() != served.gvk {
		return nil, nil, fmt.Errorf("no matches for kind %q in version %q", object.GetKind(), object.GetAPIVersion())
	}
	meta, found, paths, err := schemaobjectmeta.GetObjectMetaWithOptions(content, schemaobjectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, nil, err
	}
	paths = append(paths, pruning.PruneWithOptions(content, served.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(content, served.structural)
	if found {
		if err := schemaobjectmeta.SetObjectMeta(content, meta); err != nil {
			return nil, nil, err
		}
	}
	object.SetGroupVersionKind(served.gvk)
	defaulting.Default(content, served.structural)
	for _, path := range paths {
		unknown = append(unknown, fmt.Sprintf("strict decoding error: unknown field %q", path))
	}
	return object, unknown, nil
}
