// What makes the pages quicker. Every page works without it.
import { startBanners } from "./banners.js";
import { startBuilders } from "./builder.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLists } from "./lists.js";
import { startCounts } from "./livecount.js";
import { startPasskeys } from "./passkeys.js";
import { startPermissions } from "./perms.js";
import { startFiles } from "./readfile.js";
import { startRules } from "./rules.js";
import { startSecrets } from "./secrets.js";
import { startSteps } from "./steps.js";
import { startWindows } from "./windows.js";

startWindows(document);
startForms(document);
startLists(document);
startRules(document);
startBanners(document);
startBuilders(document);
startCounts(document);
startPasskeys(document);
startPermissions(document);
startFiles(document);
startSecrets(document);
startSteps(document);
startKeys(document);
