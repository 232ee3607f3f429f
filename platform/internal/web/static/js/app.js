// What makes the pages quicker. Every page works without it.
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLists } from "./lists.js";
import { startRules } from "./rules.js";
import { startWindows } from "./windows.js";

startWindows(document);
startForms(document);
startLists(document);
startRules(document);
startKeys(document);
