package verify

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// customKind validates the objects of a kind that an operator defines.
type customKind struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
}

// customKinds reads the definitions of the operators.
var customKinds = sync.OnceValues(func() (map[runtimeschema.GroupVersionKind]customKind, error) {
	definitions, err := Definitions()
	if err != nil {
		return nil, err
	}
	out := map[runtimeschema.GroupVersionKind]customKind{}
	for _, raw := range definitions {
		var d apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(raw, &d); err != nil {
			return nil, err
		}
		for _, v := range d.Spec.Versions {
			kind, err := newCustomKind(v)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", d.Name, v.Name, err)
			}
			out[runtimeschema.GroupVersionKind{Group: d.Spec.Group, Version: v.Name, Kind: d.Spec.Names.Kind}] = kind
		}
	}
	return out, nil
})

func newCustomKind(v apiextensionsv1.CustomResourceDefinitionVersion) (k customKind, err error) {
	var props apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema, &props, nil); err != nil {
		return k, err
	}
	if k.structural, err = schema.NewStructural(props.OpenAPIV3Schema); err != nil {
		return k, err
	}
	k.validator, _, err = validation.NewSchemaValidator(props.OpenAPIV3Schema)
	return k, err
}

// decodeCustom reads an object of an operator strictly. The rules of a definition that
// are expressions are left to an API server. unknown is what to say of other kinds.
func decodeCustom(raw []byte, unknown error) (*unstructured.Unstructured, error) {
	kinds, err := customKinds()
	if err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	kind, ok := kinds[object.GroupVersionKind()]
	if !ok {
		return nil, unknown
	}
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	if fields := pruning.PruneWithOptions(object.DeepCopy().Object, kind.structural, true, options); len(fields) > 0 {
		return nil, fmt.Errorf("unknown field %s", strings.Join(fields, ", "))
	}
	return object, validation.ValidateCustomResource(nil, object.Object, kind.validator).ToAggregate()
}

// into reads what the rules ask of an object of an operator.
func into(object *unstructured.Unstructured, v any) error {
	raw, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
