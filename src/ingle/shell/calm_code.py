"""Tells one-liners of R, Julia and Octave that only compute from those that may do anything; pure.

No grammar of theirs is read here. Code is calm when every name that stands before a bracket, in strings too, is one that
computes, prints or reads, and nothing in it starts programs, deletes, or makes code of text; else nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from .finding import Level
from .words import HOLE

_R = (
    "abs aggregate all any array as.character as.Date as.factor as.integer as.numeric attach basename c cat cbind ceiling class "
    "colMeans colnames colSums commandArgs complete.cases cor cumsum cut data data.frame date diff difftime dim dirname dplyr::filter "
    "dplyr::select duplicated exp factor file.exists file.path floor format ggplot aes geom_point geom_line glm grepl gsub head "
    "identical ifelse is.na is.null jsonlite::fromJSON fromJSON length levels library list list.files lm log log10 log2 ls matrix max "
    "mean median merge min names nchar ncol nlevels nrow order packageVersion paste paste0 prettyNum print quantile range rbind "
    "read.csv read.table read_csv readLines readr::read_csv readxl::read_excel rep require rev rnorm round row.names rownames "
    "rowMeans rowSums rpois runif sample scale sd seq seq_along seq_len sessionInfo set.seed shapiro.test sort sprintf sqrt stopifnot str "
    "strsplit sub subset substr sum summary suppressMessages suppressPackageStartupMessages suppressWarnings Sys.Date Sys.info Sys.time "
    "t t.test table tail tapply tolower toupper trimws typeof unique unlist var weighted.mean which which.max which.min with "
    "filter select mutate arrange group_by summarise summarize count n if for while function"
)
_R_CHANGES = (
    "install.packages update.packages remove.packages rmarkdown::render knitr::knit quarto::quarto_render devtools::test "
    "devtools::check devtools::document devtools::load_all devtools::install testthat::test_dir testthat::test_file testthat::test_local "
    "renv::restore renv::snapshot renv::init renv::status lintr::lint lintr::lint_package lintr::lint_dir styler::style_file "
    "styler::style_dir roxygen2::roxygenise pkgdown::build_site covr::codecov covr::package_coverage bookdown::render_book "
    "shiny::runApp pak::pak BiocManager::install targets::tar_make blogdown::build_site"
)
_JULIA = (
    "abs all any ceil collect cos count DataFrame describe dot exp filter first findall findfirst floor getindex div gcd isempty isprime join "
    "keys last lcm length log log10 log2 lowercase map maximum mean median min minimum max mod ndims occursin ones parse prod push! rand "
    "randn range rem replace reverse round size sin sort split sqrt std sum tan typeof unique uppercase values var versioninfo zeros "
    "print println show display @show string Int Float64 if for while"
)
_JULIA_CHANGES = "Pkg.add Pkg.update Pkg.instantiate Pkg.test Pkg.precompile Pkg.rm Pkg.build Pkg.activate Pkg.resolve Pkg.develop Pkg.status"
_OCTAVE = (
    "abs ceil cos cumsum det diag disp dot exp eye factorial fix floor fprintf gcd inv isempty isprime lcm length linspace log log10 log2 "
    "max mean median min mod norm num2str numel ones polyfit polyval primes printf prod rand randn rank rem reshape round size sin sort "
    "sprintf sqrt std sum tan trace transpose unique var ver version zeros if for while"
)
_CALLS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("R", "Rscript"), (frozenset(_R.split()), frozenset(_R_CHANGES.split()))),
        "julia": (frozenset(_JULIA.split()), frozenset(_JULIA_CHANGES.split())),
        **dict.fromkeys(("octave", "octave-cli"), (frozenset(_OCTAVE.split()), frozenset[str]())),
    }
)
_CALL = re.compile(r"(?<![\w.])([A-Za-z_.@][\w.]*+(?:::?:?[\w.]++)?!?)\s*+(?=[(\[{])")
# What starts a program, deletes, makes code of text, or calls a name by its text, also without a bracket behind it.
_ACTS = re.compile(
    r"[`@]|\\[^ntr\"'\\]|\|(?!>)|\$\(|://|(?<![\w\"'(])[!]\w|;\s*!|\b(?:system2?|shell|shell_cmd|unix|dos|exec|eval\w*|parse|source|run|spawn|popen2?|pipe|unlink|"
    r"rm|rmdir|rmtree|delete|remove|rename|movefile|copyfile|mkdir|chmod|setenv|putenv|cd|chdir|save|diary|load|write\w*|open|socket|"
    r"download\w*|include\w*|import|ccall|dyn\w*|get|mget|do|match|Reduce|Recall|feval|cellfun|arrayfun|str2func|evalc|invokelatest)\b|"
    r"\bfile\.(?!path|exists)\w|\bSys\.(?!Date|time|info)\w|\b(?:file|append|cmd|url|rev)\s*=(?!=)"
)
_UNKNOWN_STATEMENT = re.compile(rf"(?:\A|[;{{}}\n])[ \t]*{HOLE}[ \t]*(?:\Z|[;}}\n])|{HOLE}\s*[(\[{{]")


# Words that compute or print in every language that has them; a single letter is a variable.
_EVERYWHERE = frozenset(
    "print println puts say display displayln newline writeln echo printf format fwrite io IO inspect console log disp System out "
    "print_endline print_int print_string print_newline print_float Printf main sum product map filter foldl foldr fold reduce length "
    "size count reverse sort head tail take drop show min max abs sqrt pow floor ceil ceiling round Math string String str to_s "
    "to_string upcase downcase uppercase lowercase toUpperCase toLowerCase upcase split join concat list vec Enum List Range range seq "
    "expr let in do end fn fun lambda define defn def val var mut if else then for of true false nil null halt init stop exit quit "
    "version Integer Int Float Double even odd rem mod div quot inc dec not and or is first last rest set int float double".split()
)
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_RUN_IN_TEXT = re.compile(r"#\{|\$[({]|`|\\\(")
_WORD = re.compile(r"[^\W\d][\w']*")


def only_computes(text: str) -> bool:
    """Whether every word of code in a language that is not read is one that computes or prints, in all of them."""
    if _RUN_IN_TEXT.search(text) or HOLE in text or not text.strip():
        return False
    return all(len(word) == 1 or word in _EVERYWHERE for word in _WORD.findall(_TEXT.sub('""', text)))


def level_of(text: str, name: str) -> Level | None:
    """SAFE when the code only computes, MODERATE when it also builds or installs by name; None when that is not certain."""
    found = _CALLS.get(name)
    if found is None:
        return Level.SAFE if only_computes(text) else None
    if not text.strip(HOLE + " \n;"):
        return None
    calm, changes = found
    calls = set(_CALL.findall(text))
    if not calls or not calls <= calm | changes:
        return None
    rest = text
    for call in calls & changes:
        rest = rest.replace(call, "")
    if _ACTS.search(rest.replace("@show", "")) or _UNKNOWN_STATEMENT.search(text):
        return None
    return Level.MODERATE if calls & changes else Level.SAFE
