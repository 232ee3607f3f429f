package main

import (
	"context"
	"os"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/house"
)

// apiVersion is of the API, not of the program: it stands in a kept document.
const apiVersion = "1.0"

type openapiCommand struct{}

// Run prints the OpenAPI 3.1 document of the one list of operations.
func (openapiCommand) Run(_ context.Context, s *Settings) error {
	doc, err := house.OpenAPI(house.Config{Now: time.Now, Log: s.log(), Version: apiVersion})
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(doc)
	return err
}
