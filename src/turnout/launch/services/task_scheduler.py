"""A task for Windows' Task Scheduler. Pure. Source: Microsoft, "Task Scheduler Schema" (version 1.2)."""

from __future__ import annotations

import subprocess
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from turnout.launch.services.plan import DESCRIPTION, Plan

if TYPE_CHECKING:
    from turnout.launch.services.plan import Spec

TASK = "Turnout"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def plan(spec: Spec, folder: Path) -> Plan:
    """The task, started now and with each login. Its file lies in ``folder``: the system keeps a copy of its own."""
    file = folder / "turnout-task.xml"
    named = ("/TN", TASK)
    return Plan(
        manager="task-scheduler",
        tool="schtasks",
        file=file,
        content=task(spec),
        install=(("schtasks", "/Create", *named, "/XML", str(file), "/F"), ("schtasks", "/Run", *named)),
        uninstall=(("schtasks", "/End", *named), ("schtasks", "/Delete", *named, "/F")),
        forget=(),
        query=("schtasks", "/Query", *named),
        restart=(("schtasks", "/End", *named), ("schtasks", "/Run", *named)),
        hint="Its log: turnout logs. Variables that it is to have must be set for your user (setx), not in a terminal.",
    )


def task(spec: Spec) -> bytes:
    """The task's XML, in UTF-16, as the scheduler's own export has it."""
    program, *arguments = spec.command
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _add(root, "RegistrationInfo", Description=DESCRIPTION)
    triggers = ElementTree.SubElement(root, "Triggers")
    _add(triggers, "LogonTrigger", Enabled="true", UserId=spec.user)
    principal = _add(
        ElementTree.SubElement(root, "Principals"),
        "Principal",
        UserId=spec.user,
        LogonType="InteractiveToken",
        RunLevel="LeastPrivilege",
    )
    principal.set("id", "Author")
    settings = _add(
        root,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        AllowHardTerminate="true",
        ExecutionTimeLimit="PT0S",
        Hidden="true",
        Priority="5",  # 7 is the default, which is below what a user works with
    )
    _add(settings, "RestartOnFailure", Interval="PT1M", Count="10")
    actions = ElementTree.SubElement(root, "Actions", {"Context": "Author"})
    _add(
        actions,
        "Exec",
        Command=_without_window(program),
        Arguments=subprocess.list2cmdline(arguments),
        WorkingDirectory=str(spec.folder),
    )
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-16", xml_declaration=True)
    return content


def _without_window(program: str) -> str:
    """The same interpreter without a console window, where ``program`` is one."""
    path = PureWindowsPath(program)
    return str(path.with_name("pythonw.exe")) if path.name.lower() == "python.exe" else program


def _add(parent: ElementTree.Element, tag: str, /, **texts: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    for name, text in texts.items():
        ElementTree.SubElement(element, name).text = text
    return element
