module github.com/hachi-serve/hachi/tools/kernelasm

go 1.26.8
