"""What LangChain asks of a server, a loop over two tools included, with the answers checked."""

import importlib.metadata
import json
import os
import typing

from killer import DAYS, DIARY, SKY, STORY, survives
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

SUM = "What is 12 + 30?"


@tool
def weather(city: typing.Literal["Kyoto", "Osaka"]) -> str:
    """Weather of a city"""
    return f"It is sunny in {city}."


@tool
def train(city: typing.Literal["Nara", "Kobe"]) -> str:
    """Next train to a city"""
    return f"The train to {city} leaves at ten."


def model(**options):
    return ChatOpenAI(
        model="hachi-mini", base_url=os.environ["HACHI_URL"], api_key="none", temperature=0, max_retries=0, max_tokens=200, **options
    )


def text(llm):
    answer = llm.invoke(SUM)
    assert answer.text.endswith("12 + 30 = 42."), answer
    assert answer.usage_metadata["output_tokens"] > 0
    assert "".join(chunk.text for chunk in llm.stream(SUM)) == answer.text


def agent(llm):
    tools = {t.name: t for t in (weather, train)}
    messages = [HumanMessage("How is the weather in Kyoto, and when does the train to Nara leave?")]
    for name in tools:
        asked = llm.bind_tools(list(tools.values()), tool_choice=name, parallel_tool_calls=False).invoke(messages)
        (call,) = asked.tool_calls
        assert call["name"] == name and not asked.invalid_tool_calls, asked
        result = tools[name].invoke(call)
        assert isinstance(result, ToolMessage) and ("sunny" in result.text or "ten" in result.text), result
        messages += [asked, result]
    last = llm.bind_tools(list(tools.values()), tool_choice="none").invoke(messages)
    assert last.text and not last.tool_calls, last


def deaths():
    llm = ChatOpenAI(model="hachi-mini", base_url=os.environ["HACHI_URL"], api_key="none", temperature=0.9, seed=7, max_retries=0)
    survives(lambda: (chunk.text for chunk in llm.stream(STORY)))
    diary = {"type": "function", "function": {"name": "diary", "parameters": SKY, "strict": True}}
    asked = llm.bind_tools([diary], tool_choice="diary", parallel_tool_calls=False)
    arguments = survives(lambda: (call["args"] or "" for chunk in asked.stream(DIARY) for call in chunk.tool_call_chunks))
    assert len(json.loads(arguments)["sky"]) == DAYS


for llm in (model(), model(use_responses_api=True, store=False)):
    text(llm)
    agent(llm)
deaths()
print("langchain-openai", importlib.metadata.version("langchain-openai"))
