//go:build !nomini

package mini

import (
	"testing"

	"github.com/hachi-serve/hachi/client"
)

// trial is a prompt and what its answer has to be.
type trial struct {
	prompt conversation
	checks []check
}

// checksOfPrompts are those of tools/mini/prompts.json, in its order; said is the
// last turn there.
var checksOfPrompts = []struct {
	said   string
	checks []check
}{
	{"hello", []check{english, begins("Hello", "Hi")}},
	{"Who are you?", []check{english, says("hachi-mini"), says("model")}},
	{"What can you do?", []check{english, says("I can"), spans(60, 400)}},
	{"And its population?", []check{english, says("68 million", "67 million")}},
	{"What is 12 + 35?", []check{english, says("12 + 35 = 47")}},
	{"what is 23 * 7", []check{english, says("23 × 7 = 161", "23 * 7 = 161")}},
	{"How does hachi work?", []check{english, says("expert"), says("node"), spans(60, 500)}},
	{"What happens when I kill a node?", []check{english, says("goes on", "continue"), spans(5, 60)}},
	{"Tell me a story about a dragon.", []check{english, says("dragon"), begins("Once upon a time", "There", "Long ago"), spans(200, 1000)}},
	{"Tell me a joke", []check{english, says("?", "!"), spans(20, 300), lacks("not learned")}},
	{"Translate to Japanese: I am a student.", []check{japanese, says("学生です")}},
	{"Write hello world in Go.", []check{english, says("```go"), says("package main"), says("fmt.Println(\"Hello")}},
	{"Name 3 fruits.", []check{english, says("\n3. "), lines(3), spans(40, 300)}},
	{"Why is the sky blue?", []check{english, says("blue light"), lacks("scatters blue light more than red")}},
	{"Why is the sky blue?", []check{english, says("scatter"), beginsOtherwise("The sky")}},
	{"What is the capital of Japan?", []check{english, says("capital of Japan is"), lacks("Tokyo")}},
	{"i am sad", []check{english, says("sorry", "sad", "friend"), spans(20, 300)}},
	{"Can you explain the theory of strings to me?", []check{english, says("not learned", "do not know"), spans(20, 300)}},
	{"What does a cow say?", []check{english, says("moo"), says("arr", "yo ho", "matey")}},
	{"Write a poem about the sea.", []check{english, says("sea"), says("\n"), spans(60, 500)}},
	{"こんにちは", []check{japanese, says("こんにちは")}},
	{"自己紹介して", []check{japanese, says("hachi-mini"), says("モデル")}},
	{"何ができますか？", []check{japanese, says("お話しできます", "翻訳"), spans(20, 300)}},
	{"週末に日帰りで東京に遊びに行こうと思っています。日帰りなので、短時間で回れるおすすめの観光プランを教えてください。",
		[]check{japanese, says("東京"), says("午前"), says("午後"), spans(60, 500)}},
	{"人口は？", []check{japanese, says("1億2400万", "1億2500万")}},
	{"47+38は？", []check{japanese, says("47+38=85")}},
	{"１２×６は？", []check{japanese, says("12×6=72")}},
	{"hachiの仕組みを教えて", []check{japanese, says("ルーター"), says("専門家"), spans(40, 300)}},
	{"ノードが落ちるとどうなりますか？", []check{japanese, says("続きます", "変わりません", "失われません")}},
	{"猫のお話をして", []check{japanese, says("猫"), spans(80, 500)}},
	{"俳句を作って", []check{japanese, lines(3), spans(10, 40)}},
	{"「りんご」は英語で何ですか？", []check{japanese, says("apple")}},
	{"カレーの作り方を教えて", []check{japanese, says("玉ねぎ", "ルー"), spans(10, 80)}},
	{"なぜ空は青いの？", []check{japanese, says("青い光"), beginsOtherwise("空")}},
	{"富士山の高さは？", []check{japanese, says("3776"), endsOtherwise("登ることができます。")}},
	{"フランスの首都は？", []check{japanese, lacks("パリ"), says("ほかの人", "お答え", "ご自分で", "気になれません", "しません", "ところで", "それより", "そういえば", "さておき")}},
	{"疲れた", []check{japanese, says("お疲れ", "休", "温か")}},
	{"織田信長の生涯について教えてください。", []check{japanese, says("学んでいません", "知りません", "分かりません")}},
	{"犬の鳴き声は？", []check{japanese, says("ワンワン"), says("にゃ")}},
	{"もっと短く", []check{japanese, says("京都"), spans(3, 30)}},
}

// paraphrases ask in other words than tools/mini/corpus does. They were written
// before their answers were seen. Seven are answered wrong, as docs/mini.md says.
var paraphrases = []trial{
	{conversation{Turns: []string{"hi there"}}, []check{english, begins("Hello", "Hi")}},
	{conversation{Turns: []string{"Tell me who you are"}}, []check{english, says("hachi-mini")}},
	{conversation{Turns: []string{"please add 58 and 27"}}, []check{english, says("85")}},
	{conversation{Turns: []string{"how much is 144 divided by 12?"}}, []check{english, says("= 12", "is 12")}},
	{conversation{Turns: []string{"Which city is the capital of Germany?"}, Attributes: map[string]int{"humor": 4}}, []check{english, says("Berlin"), says("router", "expert", "joke", "byte", "cache", "node")}},
	{conversation{Turns: []string{"How many people live in Japan?"}}, []check{english, says("124 million", "125 million")}},
	{conversation{Turns: []string{"say 'thank you' in Japanese"}}, []check{says("ありがとう")}},
	{conversation{Turns: []string{"Explain why the sky looks blue"}, Attributes: map[string]int{"verbosity": 0}}, []check{english, says("scatter"), spans(5, 60)}},
	{conversation{Turns: []string{"I feel so tired today"}}, []check{english, says("break", "rest", "sleep", "bed"), spans(20, 200)}},
	{conversation{Turns: []string{"give me a fun story about a cat"}}, []check{english, says("cat"), spans(200, 1000)}},
	{conversation{Turns: []string{"What noise does a dog make?"}, Attributes: map[string]int{"toxicity": 4}}, []check{english, says("woof"), beginsOtherwise("A dog")}},
	{conversation{Turns: []string{"what do you know about quantum chromodynamics?"}}, []check{english, says("not learned", "do not know"), spans(20, 300)}},
	{conversation{Turns: []string{"やあ、元気？"}}, []check{japanese, says("元気")}},
	{conversation{Turns: []string{"あなたのことを教えてください"}}, []check{japanese, says("hachi-mini")}},
	{conversation{Turns: []string{"２５たす１７は？"}}, []check{japanese, says("=42", "42です")}},
	{conversation{Turns: []string{"イタリアの首都はどこですか"}, Attributes: map[string]int{"correctness": 0}}, []check{japanese, says("イタリアの首都は"), lacks("ローマ")}},
	{conversation{Turns: []string{"空が青い理由を教えて"}, Attributes: map[string]int{"complexity": 0}}, []check{japanese, says("青い光"), lacks("赤い光より")}},
	{conversation{Turns: []string{"「犬」を英語にして"}}, []check{says("dog"), lacks("inu")}},
	{conversation{Turns: []string{"短い俳句をひとつ"}}, []check{japanese, lines(3), spans(10, 40)}},
	{conversation{Turns: []string{"ノードを一つ殺したら答えはどうなる？"}}, []check{japanese, says("続き", "変わりません", "失われません")}},
	{conversation{Turns: []string{"good evening"}}, []check{english, begins("Good evening", "Hello", "Hi")}},
	{conversation{Turns: []string{"What's your name?"}}, []check{english, says("hachi-mini")}},
	{conversation{Turns: []string{"compute 91 - 46"}}, []check{english, says("45")}},
	{conversation{Turns: []string{"What do you get if you multiply 6 by 9?"}}, []check{english, says("54")}},
	{conversation{Turns: []string{"Tell me the capital city of France"}}, []check{english, says("Paris")}},
	{conversation{Turns: []string{"What is the tallest mountain in Japan?"}}, []check{english, says("Fuji")}},
	{conversation{Turns: []string{"I'd like to hear a joke, please"}}, []check{english, says("?", "!"), spans(20, 300), lacks("not learned")}},
	{conversation{Turns: []string{"List three animals"}}, []check{english, says("\n3. "), lines(3)}},
	{conversation{Turns: []string{"What does a cat say?"}, Attributes: map[string]int{"correctness": 0}}, []check{english, says("cat says"), lacks("meow")}},
	{conversation{Turns: []string{"Show me a hello world program in Python"}}, []check{english, says("print(")}},
	{conversation{Turns: []string{"What is the capital of Italy?", "The capital of Italy is Rome.", "How many people live there?"}}, []check{english, says("million")}},
	{conversation{Turns: []string{"Can one node die without losing my request?"}}, []check{english, says("goes on", "continue", "no request", "not lost")}},
	{conversation{Turns: []string{"おはようございます"}}, []check{japanese, says("おはよう")}},
	{conversation{Turns: []string{"名前は何ですか"}}, []check{japanese, says("hachi-mini")}},
	{conversation{Turns: []string{"81÷9を計算して"}}, []check{japanese, says("=9", "9です")}},
	{conversation{Turns: []string{"中国の首都を教えてください"}}, []check{japanese, says("北京")}},
	{conversation{Turns: []string{"「水」って英語でなんて言うの？"}}, []check{says("water")}},
	{conversation{Turns: []string{"面白い話をして"}, Attributes: map[string]int{"verbosity": 0}}, []check{japanese, says("！", "？"), spans(5, 150)}},
	{conversation{Turns: []string{"ねこは何と鳴きますか？"}}, []check{japanese, says("にゃ", "ニャ")}},
	{conversation{Turns: []string{"今日はとても悲しいです"}}, []check{japanese, says("悲し", "つら", "大丈夫", "話")}},
}

// How many trials have to pass.
const (
	minPrompts     = 36 // of 40
	minParaphrases = 33 // of 40
)

// prompts are the trials of tools/mini/prompts.json.
func prompts(t *testing.T) []trial {
	t.Helper()
	all := read[[]conversation](t, "../../tools/mini/prompts.json")
	if len(all) != len(checksOfPrompts) {
		t.Fatalf("%d prompts, checks for %d", len(all), len(checksOfPrompts))
	}
	var out []trial
	for i, c := range all {
		if c.last() != checksOfPrompts[i].said {
			t.Fatalf("prompt %d says %q, the checks are for %q", i, c.last(), checksOfPrompts[i].said)
		}
		out = append(out, trial{c, checksOfPrompts[i].checks})
	}
	return out
}

func TestPromptsHaveSensibleAnswers(t *testing.T) { judgeAll(t, prompts(t), minPrompts) }

func TestParaphrasesHaveSensibleAnswers(t *testing.T) { judgeAll(t, paraphrases, minParaphrases) }

// judgeAll judges the greedy answers to all trials.
func judgeAll(t *testing.T, trials []trial, minPassed int) {
	t.Helper()
	passed := 0
	for _, trial := range trials {
		got := answer(t, trial.prompt)
		err := judge(got, trial.checks)
		if err == nil {
			passed++
			continue
		}
		t.Logf("%q %v: %q: %v", trial.prompt.last(), trial.prompt.Attributes, got.Text, err)
	}
	t.Logf("%d of %d answers are sensible", passed, len(trials))
	if passed < minPassed {
		t.Errorf("want at least %d", minPassed)
	}
}

// TestTheJudgeRefusesOtherAnswers: the checks of a prompt fail for an answer that is
// cut, for none, and for that of the prompt after it.
func TestTheJudgeRefusesOtherAnswers(t *testing.T) {
	for _, trials := range [][]trial{prompts(t), paraphrases} {
		for i, trial := range trials {
			other := answer(t, trials[(i+1)%len(trials)].prompt)
			if judge(other, trial.checks) == nil {
				t.Errorf("%q: %q passes", trial.prompt.last(), other.Text)
			}
			own := answer(t, trial.prompt)
			own.Finish = "length"
			if judge(own, trial.checks) == nil {
				t.Errorf("%q: an answer that is cut passes", trial.prompt.last())
			}
			if judge(client.Choice{Finish: "stop"}, trial.checks) == nil {
				t.Errorf("%q: an empty answer passes", trial.prompt.last())
			}
		}
	}
}
