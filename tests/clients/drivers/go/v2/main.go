// The Go SDK v2 as a program: see ../../README.md.
package main

import (
	"context"
	"errors"
	"net/http"
	"sort"
	"strconv"
	"strings"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"sdkdrivers/protocol"
)

var ask = []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("Say something about the sea."))}

// baseURL is where the client calls; only the check of a batch's results_url wants to know.
var baseURL string

func factsOf(message *sdk.Message) protocol.Facts {
	text := ""
	for _, block := range message.Content {
		text += block.Text
	}
	return protocol.Facts{
		"text":          text,
		"model":         message.Model,
		"stop_reason":   message.StopReason,
		"input_tokens":  message.Usage.InputTokens,
		"output_tokens": message.Usage.OutputTokens,
	}
}

func message(ctx context.Context, client sdk.Client, model string) (protocol.Facts, error) {
	got, err := client.Messages.New(ctx, sdk.MessageNewParams{Model: model, MaxTokens: 1000, Messages: ask})
	if err != nil {
		return nil, err
	}
	return factsOf(got), nil
}

func stream(ctx context.Context, client sdk.Client, model string) (protocol.Facts, error) {
	events := client.Messages.NewStreaming(ctx, sdk.MessageNewParams{Model: model, MaxTokens: 1000, Messages: ask})
	whole, pieces := sdk.Message{}, []string{}
	for events.Next() {
		event := events.Current()
		if err := whole.Accumulate(event); err != nil {
			return nil, err
		}
		if event.Type == "content_block_delta" && event.Delta.Type == "text_delta" {
			pieces = append(pieces, event.Delta.Text)
		}
	}
	if events.Err() != nil {
		return nil, events.Err()
	}
	facts := factsOf(&whole)
	facts["pieces"], facts["joined"] = len(pieces), strings.Join(pieces, "")
	return facts, nil
}

func tool(ctx context.Context, client sdk.Client, model string) (protocol.Facts, error) {
	schema := sdk.ToolInputSchemaParam{
		Properties: map[string]any{"place": map[string]any{"type": "string"}},
		Required:   []string{"place"},
	}
	weather := sdk.ToolUnionParamOfTool(schema, "get_weather")
	weather.OfTool.Description = sdk.String("Weather at a place")
	got, err := client.Messages.New(ctx, sdk.MessageNewParams{
		Model: model, MaxTokens: 1000, Messages: ask,
		Tools: []sdk.ToolUnionParam{weather}, ToolChoice: sdk.ToolChoiceParamOfTool("get_weather"),
	})
	if err != nil {
		return nil, err
	}
	for _, block := range got.Content {
		if block.Type == "tool_use" {
			return protocol.Facts{"tool": block.Name, "input": block.Input, "stop_reason": got.StopReason}, nil
		}
	}
	return nil, errors.New("no tool_use block")
}

func countTokens(ctx context.Context, client sdk.Client, model string) (protocol.Facts, error) {
	got, err := client.Messages.CountTokens(ctx, sdk.MessageCountTokensParams{Model: model, Messages: ask})
	if err != nil {
		return nil, err
	}
	return protocol.Facts{"input_tokens": got.InputTokens}, nil
}

func models(ctx context.Context, client sdk.Client, _ string) (protocol.Facts, error) {
	ids, pages := []string{}, client.Models.ListAutoPaging(ctx, sdk.ModelListParams{})
	for pages.Next() {
		ids = append(ids, pages.Current().ID)
	}
	return protocol.Facts{"ids": ids}, pages.Err()
}

func upload(ctx context.Context, client sdk.Client, _ string) (protocol.Facts, error) {
	content := strings.NewReader(strings.Repeat("waves", 1000))
	got, err := client.Files.Upload(ctx, sdk.FileUploadParams{File: sdk.File(content, "sea.txt", "text/plain")})
	if err != nil {
		return nil, err
	}
	return protocol.Facts{"filename": got.Filename, "size": got.SizeBytes, "mime_type": got.MimeType}, nil
}

func batchResults(ctx context.Context, client sdk.Client, model string) (protocol.Facts, error) {
	asked := []sdk.MessageBatchNewParamsRequest{}
	for _, name := range []string{"one", "two"} {
		params := sdk.MessageBatchNewParamsRequestParams{Model: model, MaxTokens: 1000, Messages: ask}
		asked = append(asked, sdk.MessageBatchNewParamsRequest{CustomID: name, Params: params})
	}
	batch, err := client.Messages.Batches.New(ctx, sdk.MessageBatchNewParams{Requests: asked})
	if err != nil {
		return nil, err
	}
	batch, err = client.Messages.Batches.Get(ctx, batch.ID, sdk.MessageBatchGetParams{})
	if err != nil {
		return nil, err
	}
	results, lines := [][]string{}, client.Messages.Batches.ResultsStreaming(ctx, batch.ID, sdk.MessageBatchResultsParams{})
	for lines.Next() {
		line := lines.Current()
		results = append(results, []string{line.CustomID, line.Result.Type})
	}
	sort.Slice(results, func(a, b int) bool { return results[a][0] < results[b][0] })
	ours := strings.HasPrefix(batch.ResultsURL, baseURL)
	return protocol.Facts{"results": results, "results_url_is_under_base_url": ours}, lines.Err()
}

var scenes = map[string]func(context.Context, sdk.Client, string) (protocol.Facts, error){
	"message": message, "stream": stream, "tool": tool, "count_tokens": countTokens,
	"models": models, "upload": upload, "batch_results": batchResults,
}

// failureOf gives an error as the SDK tells it.
func failureOf(err error) *protocol.Failure {
	var known *sdk.Error
	if !errors.As(err, &known) {
		return &protocol.Failure{Class: "error", Type: err.Error()}
	}
	failure := &protocol.Failure{Class: "Error", Status: &known.StatusCode, Type: string(known.Type())}
	if known.RequestID != "" {
		failure.RequestID = &known.RequestID
	}
	return failure
}

func main() {
	asked := protocol.Read()
	baseURL = asked.BaseURL
	for _, scene := range asked.Scenes {
		var answer *http.Response
		keep := func(request *http.Request, next option.MiddlewareNext) (*http.Response, error) {
			got, err := next(request)
			answer = got
			return got, err
		}
		options := []option.RequestOption{
			option.WithBaseURL(asked.BaseURL), option.WithAPIKey(asked.Key), option.WithMiddleware(keep),
		}
		if asked.MaxRetries != nil {
			options = append(options, option.WithMaxRetries(*asked.MaxRetries))
		}
		if patient := asked.Client(); patient != nil {
			told := strconv.FormatFloat(asked.ReadS, 'f', -1, 64)
			options = append(options, option.WithHTTPClient(patient), option.WithHeader("X-Stainless-Timeout", told))
		}
		for name, value := range scene.Headers {
			options = append(options, option.WithHeader(name, value))
		}
		made, err := scenes[scene.Do](context.Background(), sdk.NewClient(options...), scene.Model)
		if err != nil {
			protocol.Print(scene, nil, failureOf(err), answer)
			continue
		}
		protocol.Print(scene, made, nil, answer)
	}
}
