"""What LlamaIndex asks of a server, with the answers checked."""

import importlib.metadata
import os
import typing

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model="hachi-mini", api_base=os.environ["HACHI_URL"], api_key="none", is_chat_model=True, is_function_calling_model=True,
    context_window=2048, temperature=0, max_tokens=200, max_retries=0,
)
ask = [ChatMessage(role="user", content="What is 12 + 30?")]
text = llm.chat(ask).message.content
assert text.endswith("12 + 30 = 42."), text
assert "".join(piece.delta or "" for piece in llm.stream_chat(ask)) == text


def weather(city: typing.Literal["Kyoto", "Osaka"]) -> str:
    """Weather of a city"""
    return f"It is sunny in {city}."


tool = FunctionTool.from_defaults(weather)
answer = llm.chat_with_tools([tool], user_msg="How is the weather in Kyoto?", tool_required=True, allow_parallel_tool_calls=False)
(call,) = llm.get_tool_calls_from_response(answer)
assert call.tool_name == "weather" and "sunny" in str(tool(**call.tool_kwargs)), call
print("llama-index-llms-openai-like", importlib.metadata.version("llama-index-llms-openai-like"), ": ok")
